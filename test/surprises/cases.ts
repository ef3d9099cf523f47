export const cases = async () => {}
