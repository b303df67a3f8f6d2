/** Texts of exports. */
export const en = {
  export_title: 'Export',
  export_format: 'Format',
  export_csv: 'for spreadsheets; texts that would run as formulas are defused',
  export_ndjson: 'every event as it was sent, one a line',
  export_parquet: 'typed columns for DuckDB, pandas and Spark, with the whole event beside them',
  export_columns: 'Only the columns of the table',
  export_count: '{total} events match.',
  export_start: 'Export',
  export_stop: 'Stop',
  export_progress: '{rows} of {total} events ({share}), {size}',
  export_done: '{total} events, {size}',
  export_stopped: 'Stopped; nothing was kept.',
};

export const fr: typeof en = {
  export_title: 'Exporter',
  export_format: 'Format',
  export_csv: 'pour tableurs ; les textes qui seraient pris pour des formules sont désamorcés',
  export_ndjson: 'chaque événement tel qu’envoyé, un par ligne',
  export_parquet: 'colonnes typées pour DuckDB, pandas et Spark, avec l’événement entier à côté',
  export_columns: 'Seulement les colonnes du tableau',
  export_count: '{total} événements correspondent.',
  export_start: 'Exporter',
  export_stop: 'Arrêter',
  export_progress: '{rows} sur {total} événements ({share}), {size}',
  export_done: '{total} événements, {size}',
  export_stopped: 'Arrêté ; rien n’a été gardé.',
};
