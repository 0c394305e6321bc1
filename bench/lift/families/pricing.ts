import type { Family } from "../rule.ts";

/** The first amount from `from` on whose tax has a fraction of half a cent or more. */
function roundsUp(rate: number, from: number): number {
  let net = from;
  while ((net * rate) % 100 < 50) net++;
  return net;
}

const tax = (net: number, rate: number) => Math.floor((net * rate + 50) / 100);

/** Amounts are whole cents. */
export const pricing: Family = {
  name: "pricing",
  about: "Prices, taxes and rebates. All amounts are whole cents.",
  rules: [
    (random) => {
      const [count, percent] = [random.pick([5, 8, 10, 12, 20, 25]), random.pick([5, 10, 15, 20])];
      const price = (unit: number, pieces: number) =>
        unit * pieces - (pieces >= count ? Math.floor((unit * pieces * percent) / 100) : 0);
      return {
        key: "bulk_price",
        text: `Whoever buys ${count} pieces or more gets ${percent} % off.`,
        label: "the smallest bulk order is already rebated",
        code: `function bulk_price(unit, count,    sum) {
  sum = unit * count
  if (count >= ${count}) {
    sum = sum - int(sum * ${percent} / 100)
  }
  return sum
}`,
        good: `if (count >= ${count}) {`,
        bad: `if (count > ${count}) {`,
        plain: [`bulk_price(200, ${count + 1})`, price(200, count + 1)],
        guard: [`bulk_price(300, ${count})`, price(300, count)],
        hidden: [
          [`bulk_price(700, ${count})`, price(700, count)],
          [`bulk_price(700, ${count - 1})`, price(700, count - 1)],
        ],
      };
    },
    (random) => {
      const rate = random.pick([7, 19, 21, 23]);
      const [first, second] = [roundsUp(rate, random.int(101, 400)), roundsUp(rate, random.int(501, 900))];
      return {
        key: "tax_of",
        text: `The tax is ${rate} % of the net amount, and half a cent counts as a whole one.`,
        label: "tax rounds to the nearest cent",
        code: `function tax_of(net,    tax) {
  tax = int((net * ${rate} + 50) / 100)
  return tax
}`,
        good: `tax = int((net * ${rate} + 50) / 100)`,
        bad: `tax = int(net * ${rate} / 100)`,
        plain: ["tax_of(1000)", rate * 10],
        guard: [`tax_of(${first})`, tax(first, rate)],
        hidden: [
          [`tax_of(${second})`, tax(second, rate)],
          ["tax_of(0)", 0],
        ],
      };
    },
    (random) => {
      const rate = random.pick([5, 10, 20]);
      const total = (net: number, off: number) => net - off + ((net - off) * rate) / 100;
      return {
        key: "invoice_total",
        text: `An invoice adds ${rate} % to what is left of the net amount after the discount.`,
        label: "surcharge is computed after discounting",
        code: `function invoice_total(net, discount,    base) {
  base = net - discount
  return base + int(base * ${rate} / 100)
}`,
        good: `return base + int(base * ${rate} / 100)`,
        bad: `return base + int(net * ${rate} / 100)`,
        plain: ["invoice_total(4000, 0)", total(4000, 0)],
        guard: ["invoice_total(5000, 1000)", total(5000, 1000)],
        hidden: [["invoice_total(9000, 3000)", total(9000, 3000)]],
      };
    },
    (random) => {
      const [from, fee] = [random.pick([2000, 3500, 5000, 7500]), random.pick([290, 390, 495])];
      return {
        key: "shipping",
        text: `Shipping costs ${fee}; orders of ${from} and above are shipped for nothing.`,
        label: "free delivery starts at the threshold itself",
        code: `function shipping(sum) {
  if (sum >= ${from}) return 0
  return ${fee}
}`,
        good: `if (sum >= ${from}) return 0`,
        bad: `if (sum > ${from}) return 0`,
        plain: [`shipping(${from - 1})`, fee],
        guard: [`shipping(${from})`, 0],
        hidden: [
          [`shipping(${from} + 0)`, 0],
          [`shipping(${from + 1})`, 0],
          ["shipping(1)", fee],
        ],
      };
    },
    (random) => {
      const price = random.int(3, 9) * 100;
      return {
        key: "after_coupon",
        text: "A coupon lowers the price by its value; nobody is ever paid for buying.",
        label: "coupon never makes a price negative",
        code: `function after_coupon(price, value,    rest) {
  rest = price - value
  return rest < 0 ? 0 : rest
}`,
        good: "return rest < 0 ? 0 : rest",
        bad: "return rest + 0",
        plain: [`after_coupon(${price}, 250)`, price - 250],
        guard: [`after_coupon(${price}, ${price + 100})`, 0],
        hidden: [
          [`after_coupon(${price + 7}, 5000)`, 0],
          [`after_coupon(${price}, ${price})`, 0],
        ],
      };
    },
    (random) => {
      const people = random.pick([3, 6, 7, 9]);
      const rest = random.int(1, people - 1);
      return {
        key: "share_of",
        text: "A bill is split evenly; the cents that are left go to the first payers, one each.",
        label: "last payer with a leftover cent pays it",
        code: `function share_of(total, people, who,    share) {
  share = int(total / people)
  if (who <= total % people) share++
  return share
}`,
        good: "if (who <= total % people) share++",
        bad: "if (who < total % people) share++",
        plain: [`share_of(${people * 40}, ${people}, 1)`, 40],
        guard: [`share_of(${people * 40 + rest}, ${people}, ${rest})`, 41],
        hidden: [
          [`share_of(${people * 90 + 1}, ${people}, 1)`, 91],
          [`share_of(${people * 90 + 1}, ${people}, 2)`, 90],
        ],
      };
    },
  ],
};
