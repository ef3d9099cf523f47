export const soak = async () => {}
