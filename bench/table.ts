/** One measured number and what it should reach. */
export interface Row {
  what: string;
  value: number;
  /** Absent where it is only reported. */
  reach?: number;
  unit: "ms" | "tokens" | "MiB" | "×" | "MB/s" | "rows/s" | "%";
  /** Permission and sandbox mode, where it has one. */
  mode?: string;
  /** True where more is better. */
  higher?: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function reached(row: Row): boolean {
  if (row.reach === undefined) return true;
  return row.higher ? row.value >= row.reach : row.value <= row.reach;
}

export function format(row: Row): string {
  const digits = row.unit === "×" ? 2 : row.unit === "%" ? 1 : row.value < 20 && row.unit === "ms" ? 1 : 0;
  return `${row.value.toFixed(digits)} ${row.unit}`;
}

/** A markdown table. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const reach = row.reach === undefined ? "–" : `${row.higher ? "≥" : "≤"} ${row.reach} ${row.unit}`;
    const verdict = row.reach === undefined ? "–" : reached(row) ? "yes" : "**no**";
    return `| ${row.what} | ${row.mode ?? "–"} | ${reach} | ${format(row)} | ${verdict} |`;
  });
  return [
    "| measure | permission, sandbox | reach | measured | reached |",
    "| --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}
