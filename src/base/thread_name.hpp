#pragma once
/// What `top -H` and profilers show of a thread.

#include <pthread.h>

namespace market {

/// Of the calling thread; at most 15 characters. The first thread keeps the program's name.
inline void name_thread(const char* name) {
  ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace market
