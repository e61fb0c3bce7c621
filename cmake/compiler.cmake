# Warnings are errors; the hardening flags are checked on the binary by tests/e2e.
add_library(market_flags INTERFACE)
target_compile_options(market_flags INTERFACE
  -Wall -Wextra -Wformat=2 -Wconversion -Wimplicit-fallthrough -Wnon-virtual-dtor -Werror
  -fPIE -fstack-clash-protection -fstack-protector-strong -fcf-protection=full)
target_compile_definitions(market_flags INTERFACE
  _GLIBCXX_ASSERTIONS MARKET_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY
  # Coroutine frames of several sizes are live at once: with two kept, each request allocated anew.
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=8)
target_link_options(market_flags INTERFACE -pie -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes Asio's coroutine frames, whose allocation it inlines, for mismatched ones.
  target_compile_options(market_flags INTERFACE -fcoroutines -Wno-mismatched-new-delete)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(market_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")  # check() and NDEBUG-independent assertions stay on.


find_program(MARKET_CCACHE ccache)
if(MARKET_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${MARKET_CCACHE})
  # time_macros: the precompiled header is made anew by each build folder and would never hit otherwise.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=true CCACHE_PCH_EXTSUM=true
      ${MARKET_CCACHE})  # Any clone hits.
endif()
find_program(MARKET_MOLD mold)
if(MARKET_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
