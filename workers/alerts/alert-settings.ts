/** How messages leave, as the operator set it; plain, since it goes to a thread. */
export interface AlertSettings {
  /** Where people reach the product, without a slash at its end. */
  readonly publicUrl: string;
  /** `host` or `host:port` that messages may go to although their addresses are private. */
  readonly allowedHosts: readonly string[];
  /** null: no mail server is set up. */
  readonly mail: { readonly smtpUrl: string; readonly from: string } | null;
}
