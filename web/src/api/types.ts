/** The server's answers that pages share, under short names. Their shapes come from the OpenAPI document. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Role = 'viewer' | 'analyst' | 'moderator' | 'admin';
export type User = Omit<Schemas['UserView'], 'role'> & { role: Role };
/** An event as found; its source is what was sent. */
export type Hit = Omit<Schemas['Hit'], '_source'> & { _source: Record<string, unknown> };
export type Histogram = Schemas['Histogram'];
export type Amount = Schemas['Amount'];
export type PeriodStats = Schemas['PeriodStats'];
export type Stats = Schemas['Stats'];
export type ServiceStats = Schemas['ServiceStats'];
export type FunnelStep = Schemas['FunnelStep'];
export type Overview = Omit<Schemas['Overview'], 'latest_errors'> & { latest_errors: Hit[] };
export type RejectedLine = Schemas['Reject'];
export type Upload = Omit<Schemas['Upload'], 'state'> & { state: 'running' | 'done' | 'failed' };
export type Preview = Omit<Schemas['Preview'], 'events'> & { events: { _source: Record<string, unknown> }[] };
export type SearchAnswer = Omit<Schemas['SearchAnswer'], 'hits'> & { hits: Hit[] };
export type FieldInfo = Schemas['Field'];
export type FieldValues = Omit<Schemas['ValuesAnswer'], 'values'> & { values: { value: string | number | boolean; count: number }[] };
type FacetOf<T extends { values: unknown }> = Omit<T, 'values'> & { values: { value: string | number | boolean; count: number; share: number }[] };
/** What the events found have in one field. */
export type Facet = FacetOf<Schemas['Facet']>;
export type FacetsAnswer = Omit<Schemas['FacetsAnswer'], 'fields'> & { fields: Facet[] };
export type FieldStats = FacetOf<Schemas['FieldStats']>;
export type NumberStats = Schemas['NumberStats'];
export type Suggestion = Omit<Schemas['Suggestion'], 'kind'> & { kind: 'field' | 'value' };
export type ValidateAnswer = Schemas['ValidateAnswer'];
/** The events around one. */
export type ContextAnswer = Record<keyof Pick<Schemas['EventContext'], 'before' | 'after'>, Hit[]> & { event: Hit };
export type SearchContent = Schemas['SearchContent'];
export type SavedSearch = Schemas['SavedSearch'];
export type RecentSearch = Schemas['RecentSearch'];
export type Input = Schemas['Input'];
export type Inputs = Schemas['Inputs'];
export type DeadLetter = Schemas['DeadLetter'];
export type DeadLetterNumbers = Schemas['DeadLetterNumbers'];
export type DeadLetterPage = Schemas['DeadLetters'];
export type PerformanceMetrics = Schemas['PerformanceMetrics'];
export type RequestMeasures = Schemas['RequestMeasures'];
export type Durations = Schemas['Durations'];
export type ServicePerformance = Schemas['ServicePerformance'];
export type EndpointPerformance = Schemas['EndpointPerformance'];
export type ApiResponseTimes = Schemas['ApiResponseTimes'];
export type DatabaseLine = Schemas['DatabaseLine'];
export type SlowQuery = Omit<Schemas['SlowQuery'], '_source'> & { _source: Record<string, unknown> };
export type DatabaseLatency = Omit<Schemas['DatabaseLatency'], 'slow_queries'> & { slow_queries: SlowQuery[] };
export type LatencyHeatmap = Schemas['LatencyHeatmap'];
export type TransactionAnalytics = Schemas['TransactionAnalytics'];
export type TopCountries = Schemas['TopCountries'];
export type TopProducts = Schemas['TopProducts'];
export type FunnelAnalytics = Schemas['Funnel'];
/** A value that some events have more often than others. */
export type Difference = Omit<Schemas['Difference'], 'value'> & { value: string | number | boolean };
export type Differences = Omit<Schemas['Differences'], 'differences'> & { differences: Difference[] };
export type MessagePattern = Schemas['Pattern'];
export type MessagePatterns = Schemas['Patterns'];
export type Money = Schemas['Money'];
export type FraudDecision = Schemas['FraudDecision'];
export type FraudStats = Schemas['FraudStats'];
/** A suspicious payment and what people did about it. */
export type FraudCase = Schemas['FraudCase'];
export type FraudCasePage = Schemas['FraudCases'];
/** What became of cases that were changed together. */
export type ChangedCases = Schemas['ChangedFraudCases'];
export type FraudRule = Schemas['FraudRule'];
export type FraudRules = Schemas['FraudRules'];
export type FraudRuleCheck = Schemas['FraudRuleCheck'];
/** A rule as it was; what it said is missing of a version that deleted it. */
export type FraudRuleVersion = Schemas['FraudRuleVersion'];
export type FraudRuleVersions = Schemas['FraudRuleVersions'];
export type FraudSignal = Schemas['FraudSignal'];
export type FraudSignals = Schemas['FraudSignals'];
