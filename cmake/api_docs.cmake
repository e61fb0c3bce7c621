# What the gateway serves under /openapi.json and /docs: made at build time, embedded compressed.
include(documents)
include(embed)
find_program(MARKET_NPM npm REQUIRED)

set(openapi_json ${CMAKE_BINARY_DIR}/openapi.json)
set(events_json ${CMAKE_BINARY_DIR}/events.json)
set(postman_json ${CMAKE_BINARY_DIR}/postman.json)
market_convert(openapi.yaml openapi_to_json.py ${openapi_json})
market_convert(events.yaml openapi_to_json.py ${events_json})
market_convert(openapi.yaml openapi_to_postman.py ${postman_json})

# The viewer comes from npm, into the build folder; only a changed package list installs it again.
set(viewer ${CMAKE_BINARY_DIR}/docs-viewer)
set(viewer_package ${viewer}/node_modules/swagger-ui-dist)
set(viewer_files swagger-ui.css swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt LICENSE NOTICE)
list(TRANSFORM viewer_files PREPEND ${viewer_package}/ OUTPUT_VARIABLE viewer_paths)
set(viewer_lists ${CMAKE_SOURCE_DIR}/api/docs/package.json ${CMAKE_SOURCE_DIR}/api/docs/package-lock.json
    ${CMAKE_SOURCE_DIR}/api/docs/.npmrc)
add_custom_command(
  OUTPUT ${viewer_paths}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${viewer}
  COMMAND ${CMAKE_COMMAND} -E copy ${viewer_lists} ${viewer}
  COMMAND ${MARKET_NPM} ci --silent --prefix ${viewer}
  COMMAND ${CMAKE_COMMAND} -E touch ${viewer_paths}
  DEPENDS ${viewer_lists} WORKING_DIRECTORY ${CMAKE_BINARY_DIR} COMMENT "npm ci: the API viewer" VERBATIM)

market_embed(market_services_platform openapi_json ${openapi_json} GZIP)
market_embed(market_services_platform events_json ${events_json} GZIP)
market_embed(market_services_platform docs_events ${CMAKE_SOURCE_DIR}/api/docs/events.js GZIP)
market_embed(market_services_platform postman_json ${postman_json} GZIP)
market_embed(market_services_platform docs_page ${CMAKE_SOURCE_DIR}/api/docs/index.html GZIP)
market_embed(market_services_platform docs_start ${CMAKE_SOURCE_DIR}/api/docs/start.js GZIP)
market_embed(market_services_platform docs_style ${CMAKE_SOURCE_DIR}/api/docs/style.css GZIP)
market_embed(market_services_platform viewer_style ${viewer_package}/swagger-ui.css GZIP)
market_embed(market_services_platform viewer_script ${viewer_package}/swagger-ui-bundle.js GZIP)
market_embed(market_services_platform viewer_notices ${viewer_package}/swagger-ui-bundle.js.LICENSE.txt GZIP)
market_embed(market_services_platform viewer_license ${viewer_package}/LICENSE GZIP)
market_embed(market_services_platform viewer_notice ${viewer_package}/NOTICE GZIP)
