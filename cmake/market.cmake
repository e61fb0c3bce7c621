# The one binary.
add_executable(market src/apps/commands/main.cpp)
target_link_libraries(market PRIVATE market_apps)
target_precompile_headers(market REUSE_FROM market_pch)
set_target_properties(market PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
