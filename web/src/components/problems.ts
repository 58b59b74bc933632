// What went wrong, in words.
import type { ApiProblem } from "@/api/client";

type Translate = (key: string) => string;

/** One sentence for people: the service's own words, or what kept it from answering. */
export function wordsOf(problem: ApiProblem, t: Translate): string {
  if (problem.status === 0 && problem.message === "timeout") return t("view.timeout");
  if (problem.status === 0 && problem.message === "offline") return t("view.offline");
  if (problem.isStale) return t("view.stale");
  const unsaid = (reason: string): string => (problem.message.includes(reason) ? "" : reason);
  const fields = problem.errors.map((error) => [unsaid(error.reason), error.fix].filter(Boolean).join("; "));
  return [problem.message, ...fields].filter(Boolean).join(" · ");
}
