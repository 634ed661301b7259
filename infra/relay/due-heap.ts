/** A heap of things that have a key and a due time: the earliest first, each key at most once. */

export interface Due {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly due: number;
}

export interface DueHeap<T extends Due> {
  readonly size: number;
  get(key: string): T | undefined;
  /** Adds an item, or replaces the one that has its key. Equal due times leave in the order in which they came. */
  set(item: T): void;
  delete(key: string): T | undefined;
  /** The earliest item; undefined when there is none. */
  peek(): T | undefined;
  pop(): T | undefined;
}

interface Slot<T> {
  item: T;
  /** Order of arrival: decides between equal due times. */
  turn: number;
  /** Where the slot stands in the heap. */
  at: number;
}

/** Every operation costs O(log n) at most. */
export function createDueHeap<T extends Due>(): DueHeap<T> {
  const slots: Slot<T>[] = [];
  const byKey = new Map<string, Slot<T>>();
  let turns = 0;

  const before = (a: Slot<T>, b: Slot<T>) =>
    a.item.due < b.item.due || (a.item.due === b.item.due && a.turn < b.turn);

  const place = (slot: Slot<T>, at: number) => {
    slots[at] = slot;
    slot.at = at;
  };

  const rise = (slot: Slot<T>) => {
    let at = slot.at;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = slots[above]!;
      if (!before(slot, parent)) break;
      place(parent, at);
      at = above;
    }
    place(slot, at);
  };

  const sink = (slot: Slot<T>) => {
    let at = slot.at;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= slots.length) break;
      if (below + 1 < slots.length && before(slots[below + 1]!, slots[below]!)) below += 1;
      const child = slots[below]!;
      if (!before(child, slot)) break;
      place(child, at);
      at = below;
    }
    place(slot, at);
  };

  const take = (slot: Slot<T>): T => {
    byKey.delete(slot.item.key);
    const last = slots.pop()!;
    if (last !== slot) {
      place(last, slot.at);
      rise(last);
      sink(last);
    }
    return slot.item;
  };

  return {
    get size() {
      return slots.length;
    },
    get: (key) => byKey.get(key)?.item,
    set(item) {
      const known = byKey.get(item.key);
      if (known) {
        known.item = item;
        rise(known);
        sink(known);
        return;
      }
      const slot = { item, turn: turns++, at: slots.length };
      slots.push(slot);
      byKey.set(item.key, slot);
      rise(slot);
    },
    delete(key) {
      const slot = byKey.get(key);
      return slot && take(slot);
    },
    peek: () => slots[0]?.item,
    pop: () => slots[0] && take(slots[0]),
  };
}
