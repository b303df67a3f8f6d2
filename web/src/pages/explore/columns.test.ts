import { describe, expect, it } from 'vitest';
import { columnsFromToken, columnsToken, gridTracks, minTableWidth, movedColumn, placedColumn, resizedColumn, toggledColumn, WIDTH_MAX_PX, WIDTH_MIN_PX } from './columns';
import type { Column } from './types';

const cols = (...fields: string[]): Column[] => fields.map((field) => ({ field, width_px: null }));
const names = (columns: readonly Column[]): string => columns.map((column) => column.field).join(' ');

describe('columns', () => {
  it('are added once and taken away; time is always there', () => {
    expect(names(toggledColumn(cols('a'), 'b'))).toBe('a b');
    expect(names(toggledColumn(cols('a', 'b'), 'a'))).toBe('b');
    expect(names(toggledColumn(cols('a'), '@timestamp'))).toBe('a');
  });

  it('move within their edges', () => {
    const check = (field: string, step: number, expected: string): void => expect(names(movedColumn(cols('a', 'b', 'c'), field, step))).toBe(expected);
    check('a', 1, 'b a c');
    check('c', -2, 'c a b');
    check('a', -1, 'a b c');
    check('c', 1, 'a b c');
    check('x', 1, 'a b c');
    expect(names(placedColumn(cols('a', 'b', 'c'), 'c', 1))).toBe('a c b');
  });

  it('have bounded widths', () => {
    const width = (px: number): number | null | undefined => resizedColumn(cols('a'), 'a', px)[0]?.width_px;
    expect(width(1)).toBe(WIDTH_MIN_PX);
    expect(width(1e9)).toBe(WIDTH_MAX_PX);
    expect(width(120.4)).toBe(120);
  });

  it('come back from the address, and nonsense is left out', () => {
    const columns: Column[] = [{ field: 'a,b*c%', width_px: 120 }, { field: 'level', width_px: null }];
    expect(columnsFromToken(columnsToken(columns))).toEqual(columns);
    expect(columnsFromToken(columnsToken([]))).toEqual([]);
    expect(names(columnsFromToken('a,,a,@timestamp,b*x'))).toBe('a b');
    expect(columnsFromToken('b*-4')[0]?.width_px).toBeNull();
  });

  it('fill the width: the message stretches, or else the last one', () => {
    expect(gridTracks(cols('level', 'message'), 100)).toBe('100px 84px minmax(280px, 1fr)');
    expect(gridTracks([{ field: 'level', width_px: 90 }], 100)).toBe('100px minmax(90px, 1fr)');
    expect(gridTracks([], 100)).toBe('minmax(100px, 1fr)');
    expect(minTableWidth([{ field: 'level', width_px: 90 }, { field: 'message', width_px: null }], 100)).toBe(470);
  });
});
