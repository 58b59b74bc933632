import type { RouteRecordRaw } from "vue-router";
import { type Role, useSession } from "@/api/session";

const listens: readonly Role[] = ["qa", "supervisor", "administrator", "auditor"];
const scores: readonly Role[] = ["qa", "supervisor", "administrator"];
const oversees: readonly Role[] = ["supervisor", "administrator", "auditor"];

export const routes: RouteRecordRaw[] = [
  { path: "", redirect: () => (useSession().role === "collector" ? "/qa/evaluations" : "/qa/recordings") },
  {
    path: "queue",
    component: () => import("./QueuePage.vue"),
    meta: { title: "qa.nav.queue", nav: true, roles: scores },
  },
  {
    path: "recordings",
    component: () => import("./RecordingsPage.vue"),
    meta: { title: "qa.nav.recordings", nav: true, roles: listens },
  },
  {
    path: "recordings/:id",
    component: () => import("./ReviewPage.vue"),
    props: true,
    meta: { title: "qa.nav.review" },
  },
  {
    path: "live",
    component: () => import("./LivePage.vue"),
    meta: { title: "qa.nav.live", nav: true, roles: ["qa"] }, // supervisors have the whole floor
  },
  {
    path: "evaluations",
    component: () => import("./EvaluationsPage.vue"),
    meta: { title: "qa.nav.evaluations", nav: true },
  },
  {
    path: "calibrations",
    component: () => import("./CalibrationsPage.vue"),
    meta: { title: "qa.nav.calibrations", nav: true, roles: listens },
  },
  {
    path: "labelling",
    component: () => import("./LabellingPage.vue"),
    meta: { title: "qa.nav.labelling", nav: true, roles: scores },
  },
  {
    path: "scorecards",
    component: () => import("./ScorecardsPage.vue"),
    meta: { title: "qa.nav.scorecards", nav: true, roles: listens },
  },
  {
    path: "plans",
    component: () => import("./PlansPage.vue"),
    meta: { title: "qa.nav.plans", nav: true, roles: oversees },
  },
  {
    path: "reports",
    component: () => import("./ReportsPage.vue"),
    meta: { title: "qa.nav.reports", nav: true, roles: oversees },
  },
];
