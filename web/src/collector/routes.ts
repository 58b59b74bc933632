import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "", component: () => import("./CollectorPage.vue"), meta: { title: "areas.collector" } },
];
