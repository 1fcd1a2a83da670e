/**
 * Freezes `Object.prototype`, so that nothing that comes later can change how every object behaves.
 *
 * The shell's own `freezePrototype` cannot be used: with it `object.toString = …` throws on every object that inherits
 * from the frozen one, and the terminal emulator assigns that way while it loads. Here each inherited value becomes an
 * accessor first: assigning to an object gives that object a property of its own, assigning to the prototype fails.
 */
export function freezeObjectPrototype(prototype: object = Object.prototype): void {
  for (const key of Reflect.ownKeys(prototype)) {
    const property = Object.getOwnPropertyDescriptor(prototype, key);
    if (!property?.configurable || !("value" in property)) continue;
    const value: unknown = property.value;
    Object.defineProperty(prototype, key, {
      configurable: false,
      enumerable: property.enumerable ?? false,
      get: () => value,
      set(this: object, own: unknown) {
        if (this === prototype)
          throw new TypeError(`${String(key)} of every object cannot be changed`);
        Object.defineProperty(this, key, {
          configurable: true,
          enumerable: true,
          writable: true,
          value: own,
        });
      },
    });
  }
  Object.freeze(prototype);
}
