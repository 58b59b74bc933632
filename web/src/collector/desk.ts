// The collector's desk as the service has it: asked for once, and again whenever the live topic says that it changed.
import { computed, inject, type InjectionKey, onScopeDispose, provide, ref, shallowRef, watch } from "vue";
import { api, ApiProblem, ask, type Schemas, unattended } from "@/api/client";
import { useLive } from "@/api/live";
import { useSession } from "@/api/session";

export type DeskView = Schemas["AgentDeskView"];
export type CaseView = Schemas["CaseView"];
export type AgentState = Schemas["AgentState"];

/** States that bring another piece of work: what was refused before is over. */
const COMES: readonly AgentState[] = ["preview", "reserved", "talking"];
/** While the live connection is gone the desk is looked at this often. */
const BLIND_LOOK_MS = 3000;
/** A look that takes longer was sent into a network that is gone; the next one may get through. */
const LOOK_TIMEOUT_MS = 5000;

export type Desk = ReturnType<typeof openDesk>;
const KEY: InjectionKey<Desk> = Symbol("desk");

function openDesk(agentId: number) {
  const live = useLive();
  const session = useSession();
  const view = shallowRef<DeskView | null>(null);
  const known = ref(false);
  const problem = shallowRef<ApiProblem | null>(null);
  const refusal = shallowRef<ApiProblem | null>(null);
  const busy = ref(0);
  const skewMs = ref(0);
  let asked = 0;
  let taken = 0;

  /** An answer counts unless a later question was answered already. */
  function take(number: number, next: DeskView | null): void {
    if (number < taken) return;
    taken = number;
    if (next !== null) skewMs.value = Date.parse(next.now) - Date.now();
    if (bringsWork(view.value, next)) refusal.value = null;
    view.value = next;
    known.value = true;
    problem.value = null;
  }

  const path = { params: { path: { agent_id: agentId } } };
  let looking = false;
  let lookAgain = false;

  async function look(): Promise<void> {
    lookAgain = looking;
    if (looking || session.current === null) return;
    looking = true;
    const number = ++asked;
    try {
      take(number, await ask(api.GET("/v1/agents/{agent_id}", { ...path, signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) })));
    } catch (cause) {
      if (!(cause instanceof ApiProblem)) throw cause;
      if (cause.status === 404) take(number, null);
      else problem.value = cause;
    } finally {
      looking = false;
    }
    if (lookAgain) await look();
  }

  /** Does something at the desk; false and the refusal in words where the service would not. */
  async function act(question: () => Promise<DeskView | null>): Promise<boolean> {
    busy.value += 1;
    refusal.value = null;
    const number = ++asked;
    try {
      take(number, await question());
      return true;
    } catch (cause) {
      if (!(cause instanceof ApiProblem)) throw cause;
      refusal.value = cause;
      void look(); // what we acted on is not what there is
      return false;
    } finally {
      busy.value -= 1;
    }
  }

  const topic = live.topic<object>(() => `agent/${agentId}`);
  watch([topic, () => live.connected, () => session.current !== null], () => void look());
  void look();
  const timer = window.setInterval(() => {
    if (!live.connected) void unattended(look);
  }, BLIND_LOOK_MS);
  onScopeDispose(() => window.clearInterval(timer));

  return {
    agentId,
    path,
    view: computed(() => view.value),
    state: computed<AgentState>(() => view.value?.state ?? "offline"),
    known: computed(() => known.value),
    problem: computed(() => problem.value),
    refusal,
    busy: computed(() => busy.value > 0),
    /** Ahead of this machine's clock, in milliseconds. */
    skewMs: computed(() => skewMs.value),
    look,
    act,
  };
}

function bringsWork(before: DeskView | null, now: DeskView | null): boolean {
  const isNew = now?.state !== before?.state || now?.case?.contact_id !== before?.case?.contact_id;
  return isNew && now !== null && COMES.includes(now.state);
}

/** Opens the desk for the calling component and those within it. */
export function provideDesk(agentId: number): Desk {
  const desk = openDesk(agentId);
  provide(KEY, desk);
  return desk;
}

export function useDesk(): Desk {
  const desk = inject(KEY);
  if (desk === undefined) throw new Error("no desk on this page");
  return desk;
}
