// A WebSocket of ours that comes back by itself: it says who is there, and waits longer after every failure.
import { csrfValue } from "./client";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008;

export interface SocketLimits {
  /** What is silent for this long leads nowhere, though nobody says so; 0: silence is nothing unusual. */
  silenceMs?: number;
}

export interface SocketEar<In> {
  /** The service is reached; whoever has nothing to tell says nothing. */
  opened?(): void;
  heard(message: In): void;
  /** The socket is gone for now, and is opened again by itself; `sentAway`: the service does not know us any more. */
  lost(sentAway: boolean): void;
}

export class LastingSocket<In, Out = never> {
  private socket: WebSocket | null = null;
  private retryMs = FIRST_RETRY_MS;
  private timer = 0;
  private silence = 0;
  private readonly silenceMs: number;
  /** A socket that came over another network is dead, though nobody says so. */
  private readonly networkChanged = () => this.giveUp();

  constructor(
    private readonly path: string,
    private readonly ear: SocketEar<In>,
    { silenceMs = 0 }: SocketLimits = {},
  ) {
    this.silenceMs = silenceMs;
  }

  open(): void {
    window.addEventListener("online", this.networkChanged);
    window.clearTimeout(this.timer);
    if (this.socket !== null) return;
    const address = new URL(this.path, window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.socket = socket;
    this.listen();
    socket.onopen = () => {
      socket.send(JSON.stringify({ csrf: csrfValue() }));
      if (this.socket !== socket) return;
      this.listen();
      this.ear.opened?.();
    };
    socket.onmessage = (message) => this.take(socket, JSON.parse(message.data as string) as In);
    socket.onclose = (event) => this.lose(socket, event.code === POLICY_VIOLATION);
  }

  /** Tries again now instead of waiting. */
  hurry(): void {
    this.retryMs = FIRST_RETRY_MS;
    this.open();
  }

  /** Gives the socket up for a new one: where it led nobody answers. */
  renew(): void {
    this.close();
    this.hurry();
  }

  close(): void {
    window.removeEventListener("online", this.networkChanged);
    window.clearTimeout(this.timer);
    window.clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** Whether it left; false while the socket is away. */
  send(message: Out): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private take(socket: WebSocket, message: In): void {
    if (this.socket !== socket) return;
    this.retryMs = FIRST_RETRY_MS;
    this.listen();
    this.ear.heard(message);
  }

  /** Gives the silence its time anew. */
  private listen(): void {
    window.clearTimeout(this.silence);
    if (this.silenceMs > 0) this.silence = window.setTimeout(() => this.giveUp(), this.silenceMs);
  }

  private giveUp(): void {
    this.ear.lost(false);
    this.renew();
  }

  private lose(socket: WebSocket, sentAway: boolean): void {
    if (this.socket !== socket) return;
    this.socket = null;
    window.clearTimeout(this.silence);
    this.timer = window.setTimeout(() => this.open(), this.retryMs * (0.5 + Math.random() / 2));
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    this.ear.lost(sentAway);
  }
}
