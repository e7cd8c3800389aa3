// Counts the cases of one test program and prints them: TAP-like lines, then `N passed, N failed`.
// That last line is the protocol by which scripts/test adds up all layers.

export class Report {
  passed = 0;
  failed = 0;

  /** @param {string} name */
  ok(name) {
    this.passed++;
    console.log(`ok - ${name}`);
  }

  /** @param {string} name @param {unknown} [detail] what was found, what was expected */
  fail(name, detail) {
    this.failed++;
    console.log(`not ok - ${name}`);
    if (detail === undefined) return;
    const text = detail instanceof Error ? (detail.stack ?? detail.message) : String(detail);
    for (const line of text.trimEnd().split("\n")) console.log(`    ${line}`);
  }

  /** @param {boolean} good @param {string} name @param {unknown} [detail] */
  check(good, name, detail) {
    if (good) this.ok(name);
    else this.fail(name, detail);
  }

  /** Adds the cases that another program counted. @param {number} passed @param {number} failed */
  add(passed, failed) {
    this.passed += passed;
    this.failed += failed;
  }

  /** Prints the closing line and sets the exit status. Nothing counted is a failure: nothing ran. */
  finish() {
    if (this.passed + this.failed === 0) this.fail("at least one case ran");
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed === 0 ? 0 : 1;
  }
}

/** The last `N passed, N failed` of an output, or null. @param {string} output */
export function closingCounts(output) {
  const all = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)];
  const last = all.at(-1);
  return last ? { passed: Number(last[1]), failed: Number(last[2]) } : null;
}
