import { describe, expect, it } from 'vitest';
import { eventText, timelineRows } from './timeline';

const hit = (source: Record<string, unknown>) => ({ _id: 'a', _index: 'i', _score: null, _source: source });

describe('what happened around a payment', () => {
  it('lies so far from it, its own events among it', () => {
    const events = [hit({ '@timestamp': '2026-11-27T11:59:00.000Z' }), hit({ '@timestamp': '2026-11-27T12:00:00.500Z', transaction_id: 't-1' })];
    const rows = timelineRows(events, { transaction_id: 't-1', at: '2026-11-27T12:00:00.000Z' });
    expect(rows.map(({ isOwn, distance_ms }) => [isOwn, distance_ms])).toEqual([[false, -60_000], [true, 500]]);
  });

  it.each([
    [{ log_type: 'transaction', status: 'declined', amount: 20.5, currency: 'EUR', message: 'x' }, 'declined 20.5 EUR'],
    [{ log_type: 'user_behavior', event_type: 'login_failed', page: '/login' }, 'login_failed /login'],
    [{ log_type: 'user_behavior', message: 'a visit' }, 'a visit'],
    [{ log_type: 'performance', method: 'GET', endpoint: '/cart', status_code: 200 }, 'GET /cart 200'],
    [{ log_type: 'error' }, 'error'],
    [{ log_type: 'error', message: { odd: true } }, 'error'],
  ])('%o is told as %s', (source, text) => {
    expect(eventText(hit(source))).toBe(text);
  });
});
