import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope } from "vue";
import { ApiProblem } from "@/api/client";
import { type Followed, followed } from "@/api/followed";

interface Run {
  n: number;
  done: boolean;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const aWhile = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1_000);
const none = (): Promise<Run> => Promise.reject(new ApiProblem({}, 404));

function following(latest: () => Promise<Run>): Followed<Run> & { leave: () => void } {
  const scope = effectScope();
  const made = scope.run(() => followed(latest, (run) => run.done, 1_000));
  if (!made) throw new Error("the scope is over");
  return { ...made, leave: () => scope.stop() };
}

it("goes on looking at what was under way when the page came", async () => {
  const answers: (() => Promise<Run>)[] = [
    async () => ({ n: 1, done: false }),
    () => Promise.reject(new ApiProblem({}, 0)), // away for a moment
    async () => ({ n: 2, done: true }),
  ];
  const latest = vi.fn(() => answers.shift()?.() ?? none());
  const { data, problem } = following(latest);
  for (let n = 0; n < 5; n += 1) await aWhile();
  expect(latest).toHaveBeenCalledTimes(3);
  expect(data.value).toEqual({ n: 2, done: true });
  expect(problem.value).toBeNull();
});

it("says nothing where there is none, and forgets one that is gone", async () => {
  const latest = vi.fn(none);
  const { data, problem, follow } = following(latest);
  await settled();
  expect([data.value, problem.value]).toEqual([null, null]);
  await follow(async () => ({ n: 1, done: false }));
  expect(data.value).not.toBeNull();
  await aWhile();
  await aWhile();
  expect([data.value, problem.value]).toEqual([null, null]);
  expect(latest).toHaveBeenCalledTimes(2);
});

it("keeps a refusal in sight while it goes on looking", async () => {
  const { problem, follow } = following(async () => ({ n: 1, done: false }));
  await settled();
  await follow(() => Promise.reject(new ApiProblem({ detail: "one at a time" }, 409)));
  await aWhile();
  expect(problem.value?.message).toBe("one at a time");
});

it("is overtaken by what is begun anew, and has one timer at a time", async () => {
  let answer: (run: Run) => void = () => undefined;
  const latest = vi.fn(() => new Promise<Run>((resolve) => (answer = resolve)));
  const { data, follow } = following(latest);
  await follow(async () => ({ n: 2, done: false }));
  answer({ n: 1, done: true });
  await settled();
  expect(data.value?.n).toBe(2);
  await follow(async () => ({ n: 3, done: false }));
  await aWhile();
  expect(latest).toHaveBeenCalledTimes(2);
});

it("looks no longer when the page is left, whatever is answered then", async () => {
  let answer: (run: Run) => void = () => undefined;
  const latest = vi.fn(() => new Promise<Run>((resolve) => (answer = resolve)));
  const { leave } = following(latest);
  leave();
  answer({ n: 1, done: false });
  await aWhile();
  await aWhile();
  expect(latest).toHaveBeenCalledTimes(1);
});
