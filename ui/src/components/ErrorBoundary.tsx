import { Component, type ReactNode } from "react";
import { problemOf } from "../backend/backend";
import { ProblemView } from "./ProblemView";

interface State {
  error: unknown;
}

/** A defect in one part of the window is shown there; the rest goes on. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <div className="min-w-0 flex-1 overflow-y-auto p-4">
        <ProblemView problem={problemOf(this.state.error)} />
      </div>
    );
  }
}
