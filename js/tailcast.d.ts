// Types of the browser client. The code is plain ES modules; nothing is compiled.

/** How to connect. */
export interface Options {
  /** The folder of the server that holds `events`, `js/` and `sounds/`. By default where this module came from. */
  root?: string | URL;
  /** Parameters of the event stream, like `"channel=news&type=price"`. */
  query?: string | URLSearchParams | Record<string, string>;
  /** A token, for pages whose browser has no cookie that proves who they are. */
  token?: string | null;
  /** Asked for another token when the server refuses the one before; null if there is none. */
  onToken?: ((refused: string | null) => string | null | Promise<string | null>) | null;
  /** The most old notifications that are shown one by one when the page comes back; more become one. Default 5. */
  missed?: number;
  /** Whether buttons may run code of records (`func`). Only for pages whose streams nobody else can write. Default false. */
  allowFunc?: boolean;
  /** Whether the tabs of this browser share one connection. Default true. */
  share?: boolean;
}

/** `waiting` tries again by itself; `unauthorized` does too, but slowly, and needs a token or a login. */
export type State = "connecting" | "open" | "waiting" | "unauthorized" | "closed";

/** A record as it arrived. */
export interface StreamRecord<Data = unknown> {
  /** The event's name; null for an unnamed one. */
  event: string | null;
  /** The parsed JSON, or the text where it is none. */
  data: Data;
  /** What was sent. */
  text: string;
  /** The place behind it, opaque: `lastEventId` and `/history?before=` take it. */
  id: string;
  /** Whether it was sent while this page was away. */
  missed: boolean;
  /** Whether it was sent before this page first connected. */
  first: boolean;
}

/** Who the server takes this page for, and which channels it follows; "" is the default one. */
export interface Ready {
  user: string | null;
  channels: string[];
}

/** A place that is gone: the file was replaced while the page was away. Its content follows. */
export interface Reset {
  stream: string;
  reason: string;
}

/** The data of the command `notify`; a text alone is its `text`. */
export interface Notification {
  title?: string;
  text?: string;
  /** `blue`, `green`, `yellow`, `orange`, `red`, or any CSS colour. */
  color?: string;
  /** A Material Icon's name. */
  icon?: string;
  image?: string;
  type?: "msg" | "destroy";
  /** Milliseconds that it stays; 0 is until it is closed. Default 5000. */
  time?: number;
  /** A sound's name in `sounds/`. */
  sound?: string;
  /** 0 to 1, or percent. */
  volume?: number;
  button?: Button | Button[];
  position?: "bottomRight" | "bottomLeft" | "bottomCenter" | "topRight" | "topLeft" | "topCenter" | "center";
  /** Where a click leads. */
  url?: string;
  /** A later one with the same id takes its place, and `dismiss` takes it back. */
  id?: string | number;
  /** Also by the system, if no tab is visible and the person allowed it. */
  desktop?: boolean;
}

export type Button = { name: string; url: string } | { name: string; cmd: string; data?: unknown } | { name: string; func: string };

export interface Tailcast {
  readonly state: State;
  /** Who the server takes this page for; null while it has no name. */
  readonly user: string | null;
  /** Which channels the page follows; "" is the default one. */
  readonly channels: string[];
  /** The folder of the server that holds `events`, `js/` and `sounds/`. */
  readonly root: URL;
  onToken: Options["onToken"];

  on(moment: "state", fn: (state: State) => void): () => void;
  on(moment: "ready", fn: (ready: Ready) => void): () => void;
  on(moment: "reset", fn: (reset: Reset) => void): () => void;
  /** Every record, whatever becomes of it. */
  on(moment: "record", fn: (record: StreamRecord) => void): () => void;
  /** A named event. */
  on<Data = any>(event: `event:${string}`, fn: (data: Data, record: StreamRecord<Data>) => void): () => void;
  /** A command, which is then neither the page's `ssex(data)` nor built in; `"cmd:x"` where x is a moment's name. Returns how to stop. */
  on<Data = any>(command: string, fn: (data: Data, record: StreamRecord | null) => void): () => void;

  /** Asks the server as this client does, with its cookies and its token. `path` is below `root`. */
  fetch(path: string, options?: RequestInit): Promise<Response>;
  /** Asks the person for notifications of the system, in a click or a key press of theirs. Resolves to whether they allow them. */
  askDesktop(): Promise<boolean>;
  /** Whether this is the tab that makes sounds: of all that share a connection the visible one, else the leader. */
  isHeard(): Promise<boolean>;
  close(): void;
}

/** Connects this page to its event stream. */
export function connect(options?: Options): Tailcast;

declare global {
  interface Window {
    /** The client that `js/sse.js` started; the event `tailcast` on `document` tells when. */
    tailcast?: Tailcast;
  }
  interface DocumentEventMap {
    tailcast: CustomEvent<Tailcast>;
  }
}
