/** The pages of entities: their addresses, names and events. Pure. */
import { m } from '../../i18n';
import { exploreLink, quoted } from '../../query-text';
import type { EntityKind, ListKind } from './contract';

export const ENTITY_KINDS: readonly EntityKind[] = ['user', 'card', 'device', 'ip', 'email'];
export const ENTITY_PATH = '/fraud/entity/';

/** The standard range of an entity's page. */
export const ENTITY_RANGE = { from: 'now-90d', to: 'now' };

export interface EntityName {
  kind: EntityKind;
  value: string;
}

export const entityText = (kind: EntityKind): string =>
  ({ user: m.entity_user(), card: m.entity_card(), device: m.entity_device(), ip: m.entity_ip(), email: m.entity_email() })[kind];

export const entityHref = ({ kind, value }: EntityName): string => `${ENTITY_PATH}${kind}/${encodeURIComponent(value)}`;

/** The entity that a path names; `null` when it names none. */
export function entityFromPath(path: string): EntityName | null {
  const match = /^\/fraud\/entity\/([a-z]+)\/([^/]+)$/.exec(path);
  const kind = ENTITY_KINDS.find((known) => known === match?.[1]);
  if (match === null || kind === undefined) return null;
  try {
    return { kind, value: decodeURIComponent(match[2] ?? '') };
  } catch {
    return null;
  }
}

/** The field of events that holds an entity. */
const FIELDS: Readonly<Record<EntityKind, string>> = { user: 'user_id', card: 'card_hash', device: 'device_id', ip: 'client_ip', email: 'email_hash' };

export const entityEvents = ({ kind, value }: EntityName, from: string, to: string): string => exploreLink(`${FIELDS[kind]}:${quoted(value)}`, from, to);

/** The kind of list that an entity can be put on; of an e-mail address only the domain can be listed. */
export const listKindOf = (kind: EntityKind): ListKind | null => (kind === 'email' ? null : kind);

export const fraudText = (count: number, formatted: string): string =>
  count === 0 ? m.entity_fraud_none() : count === 1 ? m.entity_fraud_one() : m.entity_fraud_count({ count: formatted });
