# The registry's dashboard and document, embedded into its service.
include(documents)
include(embed)
set(registry_json ${CMAKE_BINARY_DIR}/registry.json)
market_convert(registry.yaml openapi_to_json.py ${registry_json})
market_embed(market_services_registry registry_document ${registry_json})
market_embed(market_services_registry registry_page ${CMAKE_SOURCE_DIR}/api/registry/index.html)
market_embed(market_services_registry registry_script ${CMAKE_SOURCE_DIR}/api/registry/registry.js)
market_embed(market_services_registry registry_style ${CMAKE_SOURCE_DIR}/api/registry/style.css)
