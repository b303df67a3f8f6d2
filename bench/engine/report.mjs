// Tables for people, and the targets that figures are held against.

const GIGA = 2_000_000;
/** Targets for two million events; those of rates and memory hold for any number. `less` tells which way is better. */
const TARGETS = [
  { key: 'cpu_s', name: 'ingest CPU until in parts, s per 2 M events', must: 10, aim: 7, less: true, of: (ingest) => (ingest.cpu_s / ingest.events) * GIGA },
  { key: 'rate', name: 'ingest rate, events/s', must: 250_000, aim: 350_000, less: false, of: (ingest) => ingest.events / ingest.wall_s },
  { key: 'disk', name: 'on disk, MB per 2 M events', must: 84, aim: 72, less: true, of: (ingest) => (ingest.disk_bytes / 1e6 / ingest.events) * GIGA },
  { key: 'peak', name: 'peak RSS while ingesting, MB', must: 350, aim: 250, less: true, of: (ingest) => ingest.peak_mb },
];
const MUST = { of_best: 2, floor_ms: 5 };
const AIM = { of_best: 1, floor_ms: 1.5 };
const UNDER_INGEST = { must: 3, aim: 2 };
const COLD = { must_ms: 300, aim_ms: 100 };

export const whole = (number) => Math.round(number).toLocaleString('en');
export const shown = (number, digits = 1) => (number === undefined ? '–' : number >= 1_000 ? whole(number) : number.toFixed(digits));
const ratio = (value, target, less = true) => `${shown(less ? value / target : target / value, 2)} × ${(less ? value <= target : value >= target) ? 'met' : 'MISSED'}`;

export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(cells[0]), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.slice(1).map(line)].join('\n');
}

export function ingestTable(measured) {
  const rows = measured.map(({ name, ingest }) => [
    name, `${shown(ingest.cpu_s)}${ingest.is_quiet ? '' : ' (not quiet in time)'}`, shown(ingest.answered_cpu_s), shown(ingest.client_cpu_s, 2), shown(ingest.wall_s),
    whole(ingest.events / ingest.wall_s), shown(ingest.disk_bytes / 1e6), shown(ingest.disk_bytes / ingest.events), whole(ingest.peak_mb), whole(ingest.idle_mb),
  ]);
  return table(['ingest', 'CPU s until quiet', 'until answered', 'client CPU s', 'wall s', 'events/s', 'MB on disk', 'bytes/event', 'peak RSS MB', 'idle RSS MB'], rows);
}

export function targetTable({ ingest, restarted_mb }) {
  const rows = TARGETS.map(({ name, must, aim, less, of }) => {
    const value = of(ingest);
    return [name, shown(value), must, ratio(value, must, less), aim, ratio(value, aim, less)];
  });
  return `${table(['Vigie against its targets', 'measured', 'must', 'of must', 'aim', 'of aim'], rows)}\nidle after a restart on the full store: ${whole(restarted_mb)} MB`;
}

export function queryTable(queries, measured) {
  const [vigie, ...peers] = measured;
  const head = ['query', 'cold ms', 'p50', 'p99', 'CPU ms', 'under ingest p50', 'p99', `of ${UNDER_INGEST.must} × p50 alone`, ...peers.flatMap(({ name }) => [`${name} cold`, 'p50', 'p99', 'CPU ms']), 'best peer', 'of must', 'of aim', 'answers'];
  const rows = queries.map(({ name, reference_ms }) => {
    const own = vigie.queries[name];
    const others = peers.map((peer) => peer.queries[name]);
    const seen = others.map((other) => other?.p50).filter((ms) => ms !== undefined);
    const best = seen.length > 0 ? Math.min(...seen) : reference_ms;
    const bound = ({ of_best, floor_ms }) => Math.max(of_best * best, floor_ms);
    const cells = [name, shown(own?.cold), shown(own?.p50, 2), shown(own?.p99, 2), shown(own?.cpu_ms, 2), shown(own?.busy_p50, 2), shown(own?.busy_p99, 2), own?.busy_p99 === undefined ? '–' : ratio(own.busy_p99, UNDER_INGEST.must * own.p50)];
    const judged = own ? [ratio(own.p50, bound(MUST)), ratio(own.p50, bound(AIM))] : ['no route', 'no route'];
    return [...cells, ...others.flatMap((other) => [shown(other?.cold), shown(other?.p50, 2), shown(other?.p99, 2), shown(other?.cpu_ms, 2)]), `${shown(best, 2)}${seen.length > 0 ? '' : ' (reference)'}`, ...judged, own?.agrees ?? '–'];
  });
  const coldest = Math.max(...Object.values(vigie.queries).map((query) => query?.cold ?? 0));
  return `${table(head, rows)}\nslowest cold query: ${shown(coldest)} ms (must ${ratio(coldest, COLD.must_ms)}, aim ${ratio(coldest, COLD.aim_ms)})`;
}
