// What browsers have and the DOM library does not know.
interface Navigator {
  readonly globalPrivacyControl?: boolean;
}
interface Window {
  heatgrid?: { objects?: boolean; optOut(): void; optIn(): void; convert(goal?: string): void };
}
