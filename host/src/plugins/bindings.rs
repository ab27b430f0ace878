//! The generated bindings of `wit/`. What may have to wait for decoding or OCR is asynchronous, the rest is not.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin-with-capabilities",
    imports: {
        "ocriva:extract/document.[method]page.size": async | trappable,
        "ocriva:extract/document.[method]page.unit": async | trappable,
        "ocriva:extract/document.[method]page.words": async | trappable,
        "ocriva:extract/document.[method]page.image": async | trappable,
        "ocriva:extract/document.[method]image.recognize": async | trappable,
        "ocriva:extract/barcodes.read": async | trappable,
        "ocriva:extract/kv.get": async | trappable,
        "ocriva:extract/kv.set": async | trappable,
        "ocriva:extract/kv.delete": async | trappable,
        "ocriva:extract/kv.keys": async | trappable,
        "ocriva:extract/http.send": async | trappable,
        "ocriva:extract/llm.complete": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "ocriva:extract/document.doc": super::imports::Doc,
        "ocriva:extract/document.page": super::imports::Page,
        "ocriva:extract/document.words": super::imports::Words,
        "ocriva:extract/document.image": super::imports::Image,
    },
});
