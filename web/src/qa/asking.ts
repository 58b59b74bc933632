// Which questions of a scorecard are asked, given the answers so far; the rule of recording/review/scoring.py.
import type { Schemas } from "@/api/client";

export type Answers = Record<string, string | null | undefined>;

/** The questions in order; one that waits for another is asked when that one is asked and answered so. */
export function askedOf(card: Schemas["Scorecard"], answers: Answers): Schemas["Question"][] {
  const all = card.sections.flatMap((section) => section.questions);
  const byKey = new Map(all.map((question) => [question.key, question]));
  const isAsked = (question: Schemas["Question"], depth: number): boolean => {
    const condition = question.asked_if;
    if (!condition) return true;
    const other = byKey.get(condition.question);
    const answer = answers[condition.question];
    if (!other || depth > all.length || typeof answer !== "string") return false;
    return condition.answers.includes(answer) && isAsked(other, depth + 1);
  };
  return all.filter((question) => isAsked(question, 0));
}

/** The asked questions without an answer; a text may stay empty. */
export function unanswered(card: Schemas["Scorecard"], answers: Answers): string[] {
  return askedOf(card, answers)
    .filter((question) => question.kind !== "text" && answers[question.key] === undefined)
    .map((question) => question.key);
}
