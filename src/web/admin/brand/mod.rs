mod upload;

use axum::extract::State as FromState;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_FRAME_OPTIONS};
use axum::response::{IntoResponse as _, Response};

use crate::actions;
use crate::db::{self, Tx, WriteTx};
use crate::domain::brand::{Appearance, Logo};
use crate::domain::forms::{BrandForm, BrandSettings, Fields};
use crate::domain::{Invalid, Page, PageBrand};
use crate::publish::{Encoding, PreviewSubject, content_security_policy};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::brand::logo_data_url;
use crate::ui::pages::admin::{BrandEdit, LogoSlot, SetupStep, brand_preview_error};
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, Versioned};
use crate::web::admin::preview::strip_script;
use crate::web::form::QueryFields;
use crate::web::page::layout::admin_context;
use crate::web::page::{invalid_response, page_response};
use crate::web::{Error, Result};

use upload::BrandUpload;

const PATH: &str = "/admin/brand";

/// The submitted form with the logos by scheme and the favicon that were uploaded.
#[derive(Clone, Debug)]
struct BrandDraft {
    form: BrandForm,
    images: [Option<Logo>; 3],
    refused: Invalid,
}

impl Versioned for BrandDraft {
    fn version(&mut self) -> &mut i64 {
        &mut self.form.version
    }
}

impl BrandDraft {
    fn stored(page: &Page) -> Self {
        Self { form: BrandForm::from_page(page), images: [None, None, None], refused: Invalid::new() }
    }

    fn parse(&self, before: &PageBrand) -> std::result::Result<BrandSettings, Invalid> {
        let parsed = self.form.parse(before, self.images.clone());
        let mut invalid = self.refused.clone();
        match parsed {
            Ok(settings) if invalid.is_empty() => Ok(settings),
            Ok(_) => Err(invalid),
            Err(wrong) => {
                invalid.merge(wrong);
                Err(invalid)
            }
        }
    }
}

/// `GET /admin/brand`
pub async fn edit(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    show_form(&manager, &state, &query, &BrandEditor { is_setup: false }).await
}

/// `GET /admin/setup/brand`
pub async fn edit_setup(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    show_form(&manager, &state, &query, &BrandEditor { is_setup: true }).await
}

async fn show_form(
    manager: &Manager<CanAdminister>,
    state: &State,
    query: &Fields,
    editor: &BrandEditor,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let draft = BrandDraft::stored(&db::page_settings::load(&mut tx).await?);
    let shell = admin_context(state, &mut tx, manager, query).await?;
    Ok(page_response(editor.html(&mut tx, shell, draft, Problem::none()).await?))
}

/// `POST /admin/brand`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    upload: BrandUpload,
) -> Result<Response> {
    save(manager, state, upload, &BrandEditor { is_setup: false }).await
}

/// `POST /admin/setup/brand`
pub async fn update_setup(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    upload: BrandUpload,
) -> Result<Response> {
    save(manager, state, upload, &BrandEditor { is_setup: true }).await
}

async fn save(
    manager: Manager<CanAdminister>,
    state: State,
    BrandUpload { fields, images, refused }: BrandUpload,
    editor: &BrandEditor,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let draft = BrandDraft { form: BrandForm::read(&edit.fields), images, refused };
    let before = db::page_settings::load(&mut edit.tx).await?;
    let saved = Saved { audit_id: &before.id, version: before.version, theirs: BrandForm::from_page(&before) };
    let draft = edit.check_version(editor, draft, saved).await?;
    let parsed = draft.parse(&before.brand);
    let settings = edit.check(editor, draft, parsed).await?;
    let entry = actions::settings::edit_brand(&mut edit.tx, &before, &settings, edit.now).await?;
    let path = if editor.is_setup { SetupStep::Components.path() } else { PATH };
    edit.save([entry], path, "brand-saved").await
}

struct BrandEditor {
    is_setup: bool,
}

impl Editor for BrandEditor {
    type Form = BrandDraft;
    type Theirs = BrandForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        draft: BrandDraft,
        problem: Problem<BrandForm>,
    ) -> Result<String> {
        let page = db::page_settings::load(tx).await?;
        let shown = draft.parse(&page.brand).map_or_else(|_| page.brand.clone(), |settings| settings.brand);
        let BrandDraft { form, images: [light, dark, favicon], .. } = draft;
        let slots = [
            LogoSlot { upload: light, stored: page.brand.logo },
            LogoSlot { upload: dark, stored: page.brand.logo_dark },
            LogoSlot { upload: favicon, stored: page.brand.favicon },
        ];
        let Problem { invalid, conflict } = problem;
        Ok(BrandEdit { shell, is_setup: self.is_setup, form, slots, shown, invalid, conflict }.html())
    }
}

/// `GET /admin/brand/preview`: the page with the stored brand, for the frame.
pub async fn show_preview(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let edit = Edit::begin(state, manager, Fields::default()).await?;
    render_preview(&edit.state, edit.tx).await
}

/// `POST /admin/brand/preview`: the page with the submitted brand, which is not saved.
pub async fn preview(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    BrandUpload { fields, images, refused }: BrandUpload,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let draft = BrandDraft { form: BrandForm::read(&edit.fields), images, refused };
    let before = db::page_settings::load(&mut edit.tx).await?;
    let mut settings = match draft.parse(&before.brand) {
        Ok(settings) => settings,
        Err(wrong) => return Ok(framed(invalid_response(brand_preview_error(&wrong)), None)),
    };
    let scheme = Appearance::from_key(&edit.fields.text("scheme"));
    if settings.brand.appearance == Appearance::Automatic {
        settings.brand.appearance = scheme.unwrap_or(Appearance::Automatic);
    }
    db::page_settings::update_brand(&mut edit.tx, &before, &settings, edit.now).await?;
    render_preview(&edit.state, edit.tx).await
}

/// Renders the status page as `tx` has it, and rolls the transaction back.
async fn render_preview(state: &State, mut tx: WriteTx) -> Result<Response> {
    let page = db::page_settings::load(&mut tx).await?;
    let preview = state.publisher.preview(tx, PreviewSubject::page()).await?;
    let status = preview.pages.into_iter().find(|page| page.path == "/").ok_or(Error::NotFound)?;
    let mut html = strip_script(&String::from_utf8_lossy(status.document.bytes(Encoding::Plain)));
    // A sandboxed frame loads nothing from the server.
    for logo in page.brand.images().filter(|logo| !logo.is_inline()) {
        html = html.replace(&logo.path(), &logo_data_url(logo));
    }
    Ok(framed(page_response(html), Some(&page)))
}

/// Allows our own pages to show `response` in a frame, without scripts, forms or navigation.
fn framed(response: Response, page: Option<&Page>) -> Response {
    let none = || "default-src 'none'; frame-ancestors 'none'".to_owned();
    let policy = page.map_or_else(none, content_security_policy);
    let policy = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'; sandbox");
    let frames = [(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"))];
    let mut response = (frames, response).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
