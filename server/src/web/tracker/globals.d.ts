// What browsers have and the DOM library does not know.
interface Navigator {
  readonly globalPrivacyControl?: boolean;
}
interface Window {
  heatgrid?: { optOut(): void; optIn(): void; convert(goal?: string): void };
}
