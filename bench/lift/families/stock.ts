import type { Family } from "../rule.ts";

export const stock: Family = {
  name: "stock",
  about: "What a warehouse holds and what it sends out.",
  rules: [
    (random) => {
      const have = random.int(3, 30);
      return {
        key: "reserved",
        text: "As many pieces are reserved as are wanted, as far as there are any.",
        label: "nobody reserves what is not there",
        code: `function reserved(have, want) {
  return want <= have ? want : have
}`,
        good: "return want <= have ? want : have",
        bad: "return want + 0",
        plain: [`reserved(${have}, 2)`, 2],
        guard: [`reserved(${have}, ${have + 5})`, have],
        hidden: [
          ["reserved(0, 4)", 0],
          ["reserved(7, 7)", 7],
        ],
      };
    },
    (random) => {
      const least = random.int(5, 40);
      return {
        key: "must_reorder",
        text: `An article is ordered again when ${least} pieces or fewer are left.`,
        label: "reordering starts on reaching the minimum",
        code: `function must_reorder(left) {
  return left <= ${least}
}`,
        good: `return left <= ${least}`,
        bad: `return left < ${least}`,
        plain: [`must_reorder(${least - 1})`, 1],
        guard: [`must_reorder(${least})`, 1],
        hidden: [
          [`must_reorder(${least} + 0)`, 1],
          [`must_reorder(${least + 1})`, 0],
        ],
      };
    },
    (random) => {
      const [old, fresh] = [random.int(2, 5), random.int(6, 9)];
      return {
        key: "cost_of",
        text: "Lots are listed oldest first, as pieces:price; goods are taken from the oldest ones.",
        label: "oldest lots are used up first",
        code: `function cost_of(lots, need,    n, i, lot, part, take, cost) {
  n = split(lots, lot, " ")
  cost = 0
  for (i = 1; i <= n && need > 0; i++) {
    split(lot[i], part, ":")
    take = part[1] + 0 < need ? part[1] : need
    cost += take * part[2]
    need -= take
  }
  return cost
}`,
        good: "for (i = 1; i <= n && need > 0; i++) {",
        bad: "for (i = n; i >= 1 && need > 0; i--) {",
        plain: [`cost_of("10:${old}", 4)`, 4 * old],
        guard: [`cost_of("3:${old} 5:${fresh}", 4)`, 3 * old + fresh],
        hidden: [[`cost_of("1:${old} 1:${fresh} 9:20", 2)`, old + fresh]],
      };
    },
    (random) => {
      const day = random.int(10, 300);
      return {
        key: "expired",
        text: "Goods may still be sold on their last day.",
        label: "the last day itself is not too late",
        code: `function expired(day, last) {
  return day > last
}`,
        good: "return day > last",
        bad: "return day >= last",
        plain: [`expired(${day + 1}, ${day})`, 1],
        guard: [`expired(${day}, ${day})`, 0],
        hidden: [
          ["expired(365, 365)", 0],
          ["expired(1, 2)", 0],
        ],
      };
    },
    (random) => {
      const [small, medium] = [random.pick([250, 500]), random.pick([1000, 2000])];
      return {
        key: "parcel",
        text: `Parcels up to ${small} g are small, up to ${medium} g medium, all others large.`,
        label: "upper weight limit belongs to its class",
        code: `function parcel(grams) {
  if (grams <= ${small}) return "small"
  if (grams <= ${medium}) return "medium"
  return "large"
}`,
        good: `if (grams <= ${medium}) return "medium"`,
        bad: `if (grams < ${medium}) return "medium"`,
        plain: [`parcel(${small})`, "small"],
        guard: [`parcel(${medium})`, "medium"],
        hidden: [
          [`parcel(${medium - 0})`, "medium"],
          [`parcel(${medium + 1})`, "large"],
        ],
      };
    },
    (random) => {
      const [have, more] = [random.int(1, 3) * 10, random.int(4, 7) * 10];
      const mean = (h: number, c: number, m: number, p: number) => Math.floor((h * c + m * p) / (h + m));
      return {
        key: "mean_cost",
        text: "New goods change the mean cost of a piece in proportion to their number.",
        label: "mean cost is weighted by pieces",
        code: `function mean_cost(have, cost, more, price) {
  return int((have * cost + more * price) / (have + more))
}`,
        good: "return int((have * cost + more * price) / (have + more))",
        bad: "return int((cost + price) / 2)",
        plain: ["mean_cost(5, 100, 5, 200)", 150],
        guard: [`mean_cost(${have}, 100, ${more}, 300)`, mean(have, 100, more, 300)],
        hidden: [["mean_cost(1, 100, 9, 1000)", mean(1, 100, 9, 1000)]],
      };
    },
  ],
};
