# The registry's dashboard and document, embedded into its service.
include(embed)
set(registry_json ${CMAKE_BINARY_DIR}/registry.json)
add_custom_command(
  OUTPUT ${registry_json}
  COMMAND ${MARKET_PYTHON} ${CMAKE_SOURCE_DIR}/tools/openapi_to_json.py
          ${CMAKE_SOURCE_DIR}/api/registry.yaml ${registry_json}
  DEPENDS ${CMAKE_SOURCE_DIR}/api/registry.yaml ${CMAKE_SOURCE_DIR}/tools/openapi_to_json.py
  COMMENT "api/registry.yaml -> registry.json" VERBATIM)
market_embed(market_services_registry registry_document ${registry_json})
market_embed(market_services_registry registry_page ${CMAKE_SOURCE_DIR}/api/registry/index.html)
market_embed(market_services_registry registry_script ${CMAKE_SOURCE_DIR}/api/registry/registry.js)
market_embed(market_services_registry registry_style ${CMAKE_SOURCE_DIR}/api/registry/style.css)
