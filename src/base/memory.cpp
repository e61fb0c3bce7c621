#include "base/memory.hpp"

#ifdef MARKET_MIMALLOC
#include <mimalloc.h>

#include <mutex>
#include <vector>
#else
#include <malloc.h>
#endif

namespace market {

#ifdef MARKET_MIMALLOC

// mi_collect() of mimalloc 2.0 frees pages, but notes them only to be given back "soon": when the thread next
// allocates in the same 32 MiB of address space, which behind a rush is never. Without a delay they return as
// they are freed, together with the free room beside them; and what was noted before is found by taking all
// free room, untouched, and freeing it again.
void return_free_memory() {
  constexpr std::size_t segment = 32u << 20, largest = segment / 2, smallest = 512u << 10, room = 4 * segment;
  static std::mutex one_at_a_time;  // The delay is the whole process's.
  const std::scoped_lock lock(one_at_a_time);
  const long delay = mi_option_get(mi_option_decommit_delay);
  mi_option_set(mi_option_decommit_delay, 0);
  mi_collect(true);  // Of this thread; other threads' pages return as they are freed.
  std::vector<void*> taken;
  taken.reserve(room / smallest);
  for (std::size_t size = largest; size >= smallest; size /= 2) {
    for (std::size_t i = 0; i < room / size; ++i) taken.push_back(mi_malloc(size));
    for (void* each : taken) mi_free(each);
    taken.clear();
  }
  mi_collect(true);
  mi_option_set(mi_option_decommit_delay, delay);
}

#else

void return_free_memory() {
  ::malloc_trim(0);
}

#endif

}  // namespace market
