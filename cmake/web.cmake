# The shop and the console (web/): built with npm and Vite into the build folder, packed into one file with
# compressed forms, embedded. Packages are installed again only when their list changes, and the pages are
# built again only when a source of theirs does.
include(embed)
set(web ${CMAKE_BINARY_DIR}/web)
set(web_lists ${CMAKE_SOURCE_DIR}/web/package.json ${CMAKE_SOURCE_DIR}/web/package-lock.json
    ${CMAKE_SOURCE_DIR}/web/.npmrc)
add_custom_command(
  OUTPUT ${web}/packages.stamp
  COMMAND ${CMAKE_COMMAND} -E make_directory ${web}
  COMMAND ${CMAKE_COMMAND} -E copy ${web_lists} ${web}
  COMMAND ${MARKET_NPM} ci --silent --prefix ${web}
  COMMAND ${CMAKE_COMMAND} -E touch ${web}/packages.stamp
  DEPENDS ${web_lists} WORKING_DIRECTORY ${CMAKE_BINARY_DIR} COMMENT "npm ci: the web pages" VERBATIM)

file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/web/src/* ${CMAKE_SOURCE_DIR}/web/public/*)
list(FILTER web_sources EXCLUDE REGEX "\\.gen\\.ts$|\\.test\\.tsx?$")
set(web_files shop.html admin.html vite.config.ts tsconfig.json build.mjs)
list(TRANSFORM web_files PREPEND ${CMAKE_SOURCE_DIR}/web/)
add_custom_command(
  OUTPUT ${web}/web.pack
  COMMAND ${CMAKE_COMMAND} -E env node ${CMAKE_SOURCE_DIR}/web/build.mjs ${web}
  DEPENDS ${web}/packages.stamp ${web_sources} ${web_files} ${CMAKE_SOURCE_DIR}/api/openapi.yaml
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR} COMMENT "Building the web pages" VERBATIM)

market_embed(market_services_platform web_pack ${web}/web.pack)
