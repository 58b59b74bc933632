export default {
  monitor: "Listen",
  whisper: "Whisper",
  barge: "Barge in",
  stop: "Stop listening",
  means: {
    monitor: "You hear both; nobody hears you.",
    whisper: "The collector hears you, the called person does not.",
    barge: "Both hear you, and the recording does.",
  },
  with: "You listen in on {name}",
  way: "How you listen",
};
