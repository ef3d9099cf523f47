/**
 * One transaction: the user's claim, then one of the coupons that remain. It is not repeated here after a failure: who
 * asked repeats it, and is told `already-claimed` where the first one did it.
 */
export async function claim(pool, couponId, userId) {
  try {
    return await pool.transaction(client => take(client, couponId, userId))
  } catch (error) {
    if (error instanceof SoldOut) return { state: 'sold-out' }
    throw error
  }
}

/** Thrown, so that the claim is rolled back. */
class SoldOut extends Error {}

async function take(client, couponId, userId) {
  // A claim of the same user that is under way is waited for: its unique index decides who was first.
  const made = await client.query(
    `INSERT INTO claims (coupon_id, user_id)
     SELECT coupons.id, users.id FROM coupons, users WHERE coupons.id = $1 AND users.id = $2
     ON CONFLICT (coupon_id, user_id) DO NOTHING
     RETURNING id, coupon_id, user_id, claimed_at`,
    [couponId, userId],
  )
  if (!made.rows[0]) return refusal(client, couponId, userId)
  // Last, since all claims of a campaign queue for this row until the transaction ends.
  const taken = await client.query(
    'UPDATE coupons SET remaining = remaining - 1 WHERE id = $1 AND remaining > 0',
    [couponId],
  )
  if (taken.rowCount === 0) throw new SoldOut()
  return { state: 'claimed', claim: made.rows[0] }
}

async function refusal(client, couponId, userId) {
  const { rows } = await client.query(
    'SELECT id, coupon_id, user_id, claimed_at FROM claims WHERE coupon_id = $1 AND user_id = $2',
    [couponId, userId],
  )
  return rows[0] ? { state: 'already-claimed', claim: rows[0] } : { state: 'not-found' }
}
