/** What ties the tabs of the views to the panel that they show. */
import type { View } from './types';

export const VIEWS: readonly View[] = ['logs', 'fields'];
export const PANEL_ID = 'explore-view';
export const tabId = (view: View): string => `explore-tab-${view}`;
