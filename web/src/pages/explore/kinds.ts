/** What a field's kind is called, and the sign that stands for it. */
import { m } from '../../i18n';
import { signOfKind, type FieldSign } from './fields';

const SIGNS: Record<FieldSign, string> = { text: 'T', keyword: 't', number: '#', boolean: '?', instant: '◷', address: 'ip', place: '⌖', unknown: '·' };

export const kindSign = (kind: string): string => SIGNS[signOfKind(kind)];

export function kindText(kind: string): string {
  const names: Record<FieldSign, string> = {
    text: m.explore_kind_text(),
    keyword: m.explore_kind_keyword(),
    number: m.explore_kind_number(),
    boolean: m.explore_kind_boolean(),
    instant: m.explore_kind_instant(),
    address: m.explore_kind_address(),
    place: m.explore_kind_place(),
    unknown: m.explore_kind_unknown(),
  };
  return names[signOfKind(kind)];
}
