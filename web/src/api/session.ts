// Who is logged in.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api, ApiProblem, ask, onSessionEnded, onStaleCsrf, type Schemas, useCsrf } from "./client";

export type Session = Schemas["SessionOut"];
export type Role = Schemas["Role"];

export const useSession = defineStore("session", () => {
  const current = ref<Session | null>(null);
  const known = ref(false);
  const ended = ref(false);
  /** Who was logged in last, for logging in again. */
  const lastLogin = ref("");
  const lastWay = ref<Session["log_in"]>("password");
  const role = computed(() => current.value?.role ?? null);
  /** Whose data this page has shown. */
  let holder: number | null = null;

  function take(session: Session | null): void {
    current.value = session;
    holder = session?.account_id ?? holder;
    lastLogin.value = session?.login ?? lastLogin.value;
    lastWay.value = session?.log_in ?? lastWay.value;
    known.value = true;
    useCsrf(session?.csrf ?? "");
  }

  /** Takes a session the service knows; of somebody else, perhaps from another tab, never on the same page. */
  async function enter(session: Session): Promise<void> {
    if (holder !== null && holder !== session.account_id) await beginAnew();
    else if (session.csrf !== current.value?.csrf) take(session);
  }

  /** Asks the service once who we are. */
  async function load(): Promise<void> {
    try {
      await enter(await ask(api.GET("/v1/session")));
    } catch (problem) {
      if (!(problem instanceof ApiProblem) || problem.status === 0) throw problem;
      take(null);
    }
  }

  async function logIn(login: string, password: string): Promise<void> {
    await ask(api.POST("/v1/session", { body: { login, password } }));
    await load();
    ended.value = false;
  }

  /** Throws where somebody may still be logged in; a session that is over already is as good. */
  async function logOut(): Promise<void> {
    try {
      await ask(api.DELETE("/v1/session"));
    } catch (problem) {
      if (!(problem instanceof ApiProblem) || problem.status !== 401) throw problem;
    }
    take(null);
    ended.value = false;
  }

  /** The service ends every session of the old password, this one, too: we come back with the new one. */
  async function changePassword(old: string, next: string): Promise<void> {
    const login = lastLogin.value;
    await ask(api.POST("/v1/session/password", { body: { old, new: next } }));
    await logIn(login, next).catch(() => check());
  }

  /** Finds out whether we still are who we were, after something that may have ended it, or whether we are again. */
  async function check(): Promise<void> {
    if (current.value === null && !ended.value) return;
    const found = await ask(api.GET("/v1/session")).catch(() => null); // a 401 is heard below
    if (found === null) return;
    await enter(found);
    ended.value = false;
  }

  onSessionEnded(() => {
    if (current.value === null) return;
    ended.value = true;
    take(null);
  });

  onStaleCsrf(() => void check());

  return { current, known, ended, lastLogin, lastWay, role, load, check, logIn, logOut, changePassword };
});

/** A new page, where nothing is left of what the person before was shown; never returns to this one. */
function beginAnew(): Promise<never> {
  sessionStorage.clear();
  window.location.replace("/");
  return new Promise(() => undefined);
}
