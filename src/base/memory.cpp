#include "base/memory.hpp"

#ifdef MARKET_MIMALLOC
#include <mimalloc.h>
#else
#include <malloc.h>
#endif

namespace market {

void return_free_memory() {
#ifdef MARKET_MIMALLOC
  mi_collect(true);  // Of this thread; other threads' pages return as they are freed.
#else
  ::malloc_trim(0);
#endif
}

}  // namespace market
