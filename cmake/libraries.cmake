# Debian 12's packages; `./dev setup` installs them.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(pugixml REQUIRED)
find_package(mimalloc 2.0 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(icu REQUIRED IMPORTED_TARGET icu-uc)
find_library(ZXCVBN zxcvbn REQUIRED)
find_library(PNG png REQUIRED)
find_library(TURBOJPEG turbojpeg REQUIRED)
find_library(WEBP webp REQUIRED)
find_library(SOCI_CORE soci_core REQUIRED)
find_library(SOCI_SQLITE3 soci_sqlite3 REQUIRED)
# Of one adapter each.
find_library(SOCI_MYSQL soci_mysql REQUIRED)
find_library(MARIADB mariadb REQUIRED)
find_path(MARIADB_HEADERS mysql.h PATH_SUFFIXES mariadb REQUIRED)
find_library(RDKAFKA rdkafka REQUIRED)
find_library(HIREDIS hiredis REQUIRED)

add_library(market_libraries INTERFACE)
target_link_libraries(market_libraries INTERFACE
  Threads::Threads Boost::headers Boost::json Boost::url OpenSSL::SSL OpenSSL::Crypto SQLite::SQLite3
  ZLIB::ZLIB fmt::fmt spdlog::spdlog CLI11::CLI11 pugixml::pugixml PkgConfig::sodium PkgConfig::re2
  PkgConfig::icu ${PNG} ${TURBOJPEG} ${WEBP} ${ZXCVBN} ${SOCI_CORE} ${SOCI_SQLITE3})
# The allocator of the release build (docs/decisions/0015-allocator.md); sanitizers bring their own.
target_link_libraries(market_libraries INTERFACE $<$<CONFIG:Release>:mimalloc>)
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/base/memory.cpp PROPERTIES
  COMPILE_DEFINITIONS $<$<CONFIG:Release>:MARKET_MIMALLOC>)

# One precompiled header for everything heavy.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
add_library(market_pch STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
target_link_libraries(market_pch PRIVATE market_flags market_libraries)
target_precompile_headers(market_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)

# ccache takes this sum instead of the precompiled header's bytes, which differ in each build folder.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)
separate_arguments(pch_flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE}")
execute_process(
  COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 ${pch_flags} -w -E -P ${CMAKE_SOURCE_DIR}/cmake/pch.hpp
  OUTPUT_FILE ${CMAKE_BINARY_DIR}/pch.i COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${CMAKE_BINARY_DIR}/pch.i pch_sum)
file(REMOVE ${CMAKE_BINARY_DIR}/pch.i)
file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/market_pch.dir/cmake_pch.hxx.gch.sum ${pch_sum})
