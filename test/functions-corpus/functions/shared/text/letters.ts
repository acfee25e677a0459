export const isLetter = (char: string): boolean => /\p{L}/u.test(char)
