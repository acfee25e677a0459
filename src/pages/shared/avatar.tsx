import { avatarColor, initials } from "./initials.ts"

/** Stands for a product. No logos: they are other people's trade marks, and loading them would tell where a person connects. */
export const Avatar = ({ name, class: given = "size-10 text-sm" }: { name: string; class?: string }) => (
  <span
    aria-hidden="true"
    class={`inline-flex shrink-0 items-center justify-center rounded-xl font-semibold text-white ${given}`}
    style={{ backgroundColor: avatarColor(name) }}
  >
    {initials(name)}
  </span>
)
