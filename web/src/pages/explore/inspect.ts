/**
 * What "Inspect" tells of a request: enough to run it again elsewhere. Pure. No credential is ever part of it.
 */

export interface RequestRecord {
  name: 'search' | 'histogram';
  method: 'GET' | 'POST';
  path: string;
  body: unknown;
  started_at: string;
  /** From sending to the last byte, as the browser saw it. */
  elapsed_ms: number | null;
  status: number | null;
  request_id: string | null;
  server_timing: string | null;
  /** The numbers of the answer, without its events. */
  summary: Record<string, unknown> | null;
  error: string | null;
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The request as a command for a shell; the token is taken from `$VIGIE_TOKEN`. */
export function curlCommand(record: Pick<RequestRecord, 'method' | 'path' | 'body'>, origin: string): string {
  const lines = [`curl ${record.method === 'POST' ? '-X POST ' : ''}${shellQuoted(origin + record.path)}`, `-H "Authorization: Bearer $VIGIE_TOKEN"`];
  if (record.body !== null && record.body !== undefined) {
    lines.push(`-H 'Content-Type: application/json'`, `--data-raw ${shellQuoted(JSON.stringify(record.body))}`);
  }
  return lines.join(' \\\n  ');
}
