import { freezeObjectPrototype } from "./harden";

// Imported before anything else, so that it runs before anything else.
freezeObjectPrototype();
