import type { RouteRecordRaw } from "vue-router";
import "./lines.css"; // once for all pages: split among them, a page may come without it

const runs = ["supervisor", "administrator"] as const;

export const routes: RouteRecordRaw[] = [
  { path: "", redirect: "/supervisor/board" },
  {
    path: "board",
    component: () => import("./board/BoardPage.vue"),
    meta: { title: "supervisor.nav.board", nav: true, roles: runs },
  },
  {
    path: "collectors",
    component: () => import("./collectors/CollectorsPage.vue"),
    meta: { title: "supervisor.nav.collectors", nav: true, roles: runs },
  },
  {
    path: "campaigns",
    component: () => import("./campaigns/CampaignsPage.vue"),
    meta: { title: "supervisor.nav.campaigns", nav: true, roles: runs },
  },
  {
    path: "campaigns/new",
    component: () => import("./campaigns/NewCampaign.vue"),
    meta: { title: "supervisor.nav.newCampaign", roles: runs },
  },
  {
    path: "campaigns/:id(\\d+)",
    component: () => import("./campaigns/CampaignPage.vue"),
    props: (route) => ({ id: Number(route.params.id) }),
    meta: { title: "supervisor.nav.campaign", roles: runs },
  },
  {
    path: "campaigns/:id(\\d+)/settings",
    component: () => import("./campaigns/EditCampaign.vue"),
    props: (route) => ({ id: Number(route.params.id) }),
    meta: { title: "supervisor.nav.settings", roles: runs },
  },
  {
    path: "campaigns/:id(\\d+)/launch",
    component: () => import("./campaigns/LaunchPage.vue"),
    props: (route) => ({ id: Number(route.params.id) }),
    meta: { title: "supervisor.nav.launch", roles: runs },
  },
  {
    path: "lists",
    component: () => import("./lists/ListsPage.vue"),
    meta: { title: "supervisor.nav.lists", nav: true, roles: runs },
  },
  {
    path: "lists/import",
    component: () => import("./lists/ImportPage.vue"),
    meta: { title: "supervisor.nav.import", roles: runs },
  },
  {
    path: "why",
    component: () => import("./why/WhyPage.vue"),
    meta: { title: "supervisor.nav.why", nav: true, roles: runs },
  },
  {
    path: "caller-ids",
    component: () => import("./house/CallerIdsPage.vue"),
    meta: { title: "supervisor.nav.callerIds", nav: true, roles: runs },
  },
  {
    path: "trunks",
    component: () => import("./house/TrunksPage.vue"),
    meta: { title: "supervisor.nav.trunks", nav: true, roles: runs },
  },
  {
    path: "trunks/:name",
    component: () => import("./house/TrunkPage.vue"),
    props: true,
    meta: { title: "supervisor.nav.trunk", roles: runs },
  },
  {
    path: "rules",
    component: () => import("./house/RulesPage.vue"),
    meta: { title: "supervisor.nav.rules", nav: true, roles: runs },
  },
  {
    path: "alarms",
    component: () => import("./house/AlarmsPage.vue"),
    meta: { title: "supervisor.nav.alarms", nav: true, roles: runs },
  },
];
