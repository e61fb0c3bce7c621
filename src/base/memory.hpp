#pragma once
/// What the allocator is asked beyond new and delete.

namespace market {

/// Gives free memory back to the system, after a flood or a big batch: else it would be kept for the next
/// one. Costs milliseconds; for background work.
void return_free_memory();

}  // namespace market
