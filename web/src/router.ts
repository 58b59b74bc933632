// The pages. Each area is loaded when somebody goes there, with its words.
import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { type Role, useSession } from "@/api/session";
import { addWords } from "@/i18n";
import { routes as admin } from "@/admin/routes";
import { routes as collector } from "@/collector/routes";
import { routes as qa } from "@/qa/routes";
import { routes as supervisor } from "@/supervisor/routes";

type Words = { default: object };
interface Area {
  name: string;
  roles: readonly Role[];
  routes: RouteRecordRaw[];
  words: () => Promise<[Words, Words]>;
}

/** In the order in which the navigation shows them; a person's first one is where they begin. */
export const AREAS: readonly Area[] = [
  {
    name: "collector",
    roles: ["collector"],
    routes: collector,
    words: () => Promise.all([import("@/collector/locales/en"), import("@/collector/locales/zh")]),
  },
  {
    name: "supervisor",
    roles: ["supervisor", "administrator"],
    routes: supervisor,
    words: () => Promise.all([import("@/supervisor/locales/en"), import("@/supervisor/locales/zh")]),
  },
  {
    name: "qa",
    roles: ["qa", "supervisor", "administrator", "auditor", "collector"], // collectors: evaluations of their own calls
    routes: qa,
    words: () => Promise.all([import("@/qa/locales/en"), import("@/qa/locales/zh")]),
  },
  {
    name: "admin",
    roles: ["administrator", "auditor"],
    routes: admin,
    words: () => Promise.all([import("@/admin/locales/en"), import("@/admin/locales/zh")]),
  },
];

const ready = new Set<string>();

async function prepare(area: Area): Promise<true> {
  if (!ready.has(area.name)) {
    const [en, zh] = await area.words();
    addWords(area.name, en.default, zh.default);
    ready.add(area.name);
  }
  return true;
}

const areaRoutes: RouteRecordRaw[] = AREAS.map((area) => ({
  path: `/${area.name}`,
  component: () => import("@/shell/AreaFrame.vue"),
  props: { area: area.name },
  meta: { roles: area.roles, title: `areas.${area.name}` },
  beforeEnter: () => prepare(area),
  children: area.routes,
}));

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: () => home() },
    { path: "/login", component: () => import("@/shell/LogIn.vue"), meta: { open: true, title: "logIn.title" } },
    ...areaRoutes,
    { path: "/:rest(.*)*", component: () => import("@/shell/NotFound.vue"), meta: { title: "notFound.title" } },
  ],
});

/** Where a person begins. */
export function home(): string {
  const role = useSession().role;
  const first = AREAS.find((area) => role !== null && area.roles.includes(role));
  return first ? `/${first.name}` : "/login";
}

router.beforeEach(async (to) => {
  const session = useSession();
  if (!session.known) await session.load();
  // Whoever is logged in already goes where they begin: "/" leads to the log-in page before that is known.
  if (to.meta.open) return session.current === null || home() === to.path ? true : home();
  if (session.current === null) return { path: "/login", query: { next: to.fullPath } };
  return true;
});
