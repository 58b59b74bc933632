// The abandonment budget: of the people who answered within the law's period, how many may still be abandoned.

export interface Budget {
  /** People abandoned, those thought to have been taken for machines among them. */
  used: number;
  /** People who may be abandoned of those who answered until now. */
  allowed: number;
  left: number;
  /** Of those who answered; null while nobody has. */
  share: number | null;
  /** How much of what is allowed is used, 0 to 1 and beyond; null while nothing is allowed yet. */
  spent: number | null;
  tone: "good" | "warn" | "bad";
}

const NEAR = 0.8;

export function budgetOf(live: number, abandoned: number, target: number): Budget {
  const allowed = target * live;
  const spent = allowed > 0 ? abandoned / allowed : null;
  const over = abandoned > allowed;
  const near = spent !== null && spent >= NEAR;
  return {
    used: abandoned,
    allowed,
    left: allowed - abandoned,
    share: live > 0 ? abandoned / live : null,
    spent,
    tone: over ? "bad" : near ? "warn" : "good",
  };
}
