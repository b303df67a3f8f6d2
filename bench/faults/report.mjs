// One line a fault: what was done, what must hold, whether it did.
export class Report {
  rows = [];

  /** Notes a result and says it at once. */
  add(fault, what, wrong) {
    this.rows.push({ fault, what, wrong });
    console.log(`${wrong.length ? 'FAILED' : 'held  '} ${fault}: ${what}${wrong.length ? `\n       ${wrong.join('\n       ')}` : ''}`);
  }

  get is_good() {
    return this.rows.every(({ wrong }) => wrong.length === 0);
  }
}

/** What is wrong about facts: the names of those that are not true. */
export const broken = (facts) => Object.entries(facts).filter(([, holds]) => !holds).map(([name]) => name);
