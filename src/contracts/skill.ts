export interface Dimension {
  name: string;
  /** Normalised: the weights of one rubric add up to 1. */
  weight: number;
  description?: string;
}

/** How results of a kind are judged: an evaluator skill. */
export interface Rubric {
  name: string;
  /** Task categories it is for; empty: any. */
  categories: string[];
  dimensions: Dimension[];
  /** The skill's text: instructions for the judge. */
  body: string;
}
