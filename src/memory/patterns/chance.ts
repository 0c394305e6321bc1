/** The probability that of `trials` at least `hits` succeed by chance, each with `probability`. */
export function byChance(trials: number, hits: number, probability: number): number {
  if (hits <= 0) return 1;
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  let sum = 0;
  let log = 0;
  for (let k = 0; k <= trials; k++) {
    // log of the binomial coefficient, step by step.
    if (k > 0) log += Math.log((trials - k + 1) / k);
    if (k >= hits) sum += Math.exp(log + k * Math.log(probability) + (trials - k) * Math.log(1 - probability));
  }
  return Math.min(1, sum);
}

/** 0..1: how much so many different days, or times, prove. Three are enough, two are not. */
export function provenBy(days: number): number {
  return 1 - Math.exp(-days / 2.2);
}
