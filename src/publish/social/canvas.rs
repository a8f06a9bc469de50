//! A picture of few colours, and the shapes of the status icons.

use std::collections::HashMap;
use std::io::Write as _;

use ab_glyph::point;
use ab_glyph_rasterizer::{Point, Rasterizer};

/// sRGB.
pub type Colour = [u8; 3];

/// Steps between two colours at the edge of a shape.
const LEVELS: u8 = 16;
/// The ratio of the control points to the radius of a circle drawn as four curves.
const CIRCLE: f32 = 0.552_285;
const WHITE: Colour = [0xff; 3];

#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Ring,
    Tick,
    Triangle,
    Diamond,
    Octagon,
    Square,
}

/// Pixels that are indexes of a palette.
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    palette: Vec<Colour>,
    /// The index of a colour over another one, by index, colour and level.
    mixed: HashMap<(u8, Colour, u8), u8>,
}

/// `share` of `over` and the rest of `under`.
pub fn mix(under: Colour, over: Colour, share: f32) -> Colour {
    let channel = |at: usize| f32::from(under[at]) + (f32::from(over[at]) - f32::from(under[at])) * share;
    [0, 1, 2].map(|at| channel(at).round() as u8)
}

impl Canvas {
    pub fn new(width: usize, height: usize, ground: Colour) -> Self {
        Self { width, height, pixels: vec![0; width * height], palette: vec![ground], mixed: HashMap::new() }
    }

    /// Paints a pixel by a share between 0 and 1. Pixels outside are ignored.
    pub fn blend(&mut self, x: i32, y: i32, colour: Colour, share: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        let level = (share.clamp(0.0, 1.0) * f32::from(LEVELS)).round() as u8;
        if x >= self.width || y >= self.height || level == 0 {
            return;
        }
        let at = y * self.width + x;
        self.pixels[at] = self.mixed_index(self.pixels[at], colour, level);
    }

    fn mixed_index(&mut self, under: u8, colour: Colour, level: u8) -> u8 {
        if let Some(index) = self.mixed.get(&(under, colour, level)) {
            return *index;
        }
        let ground = self.palette[usize::from(under)];
        let wanted = mix(ground, colour, f32::from(level) / f32::from(LEVELS));
        let known = self.palette.iter().position(|known| *known == wanted);
        let index = match known {
            Some(index) => index,
            None if self.palette.len() < 256 => {
                self.palette.push(wanted);
                self.palette.len() - 1
            }
            // A full palette: the colour below stays.
            None => usize::from(under),
        };
        let index = u8::try_from(index).unwrap_or_default();
        self.mixed.insert((under, colour, level), index);
        index
    }

    pub fn fill_rectangle(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), colour: Colour) {
        for row in y as i32..(y + height) as i32 {
            for column in x as i32..(x + width) as i32 {
                self.blend(column, row, colour, 1.0);
            }
        }
    }

    /// A status icon with its upper left corner at `at`.
    pub fn draw_icon(&mut self, shape: Shape, at: (f32, f32), size: f32, fill: Colour) {
        let scale = size / 24.0;
        let place = |(x, y): (f32, f32)| point(at.0 + x * scale, at.1 + y * scale);
        let polygon = |canvas: &mut Self, corners: &[(f32, f32)], radius: f32, colour: Colour| {
            let corners: Vec<Point> = corners.iter().map(|corner| place(*corner)).collect();
            canvas.fill_outline(colour, |rasterizer| add_polygon(rasterizer, &corners, radius * scale));
        };
        let circle = |canvas: &mut Self, centre: (f32, f32), radius: f32, colour: Colour| {
            canvas.fill_outline(colour, |rasterizer| add_circle(rasterizer, place(centre), radius * scale));
        };
        let line = |canvas: &mut Self, from: (f32, f32), to: (f32, f32)| {
            canvas.fill_outline(WHITE, |rasterizer| add_line(rasterizer, place(from), place(to), 2.4 * scale));
        };
        match shape {
            Shape::Ring => {
                circle(self, (12.0, 12.0), 12.0, fill);
                for x in [6.8, 12.0, 17.2] {
                    circle(self, (x, 12.0), 1.6, WHITE);
                }
            }
            Shape::Tick => {
                circle(self, (12.0, 12.0), 12.0, fill);
                line(self, (6.9, 12.6), (10.5, 16.1));
                line(self, (10.5, 16.1), (17.2, 8.6));
            }
            Shape::Triangle => {
                polygon(self, &[(12.0, 0.0), (24.6, 23.0), (-0.6, 23.0)], 3.4, fill);
                line(self, (12.0, 9.2), (12.0, 14.4));
                circle(self, (12.0, 18.6), 1.4, WHITE);
            }
            Shape::Diamond => {
                polygon(self, &[(12.0, -0.8), (24.8, 12.0), (12.0, 24.8), (-0.8, 12.0)], 3.0, fill);
                line(self, (7.4, 12.0), (16.6, 12.0));
            }
            Shape::Octagon => {
                let (near, far) = (7.0, 17.0);
                let corners = [
                    (near, 0.0),
                    (far, 0.0),
                    (24.0, near),
                    (24.0, far),
                    (far, 24.0),
                    (near, 24.0),
                    (0.0, far),
                    (0.0, near),
                ];
                polygon(self, &corners, 1.8, fill);
                line(self, (8.2, 8.2), (15.8, 15.8));
                line(self, (15.8, 8.2), (8.2, 15.8));
            }
            Shape::Square => {
                polygon(self, &[(0.5, 0.5), (23.5, 0.5), (23.5, 23.5), (0.5, 23.5)], 5.5, fill);
                line(self, (6.6, 9.0), (17.4, 9.0));
                line(self, (6.6, 15.0), (17.4, 15.0));
                circle(self, (15.0, 9.0), 2.3, WHITE);
                circle(self, (9.0, 15.0), 2.3, WHITE);
            }
        }
    }

    fn fill_outline(&mut self, colour: Colour, outline: impl FnOnce(&mut Rasterizer)) {
        let mut rasterizer = Rasterizer::new(self.width, self.height);
        outline(&mut rasterizer);
        rasterizer.for_each_pixel_2d(|x, y, share| {
            if share > 0.01 {
                self.blend(x as i32, y as i32, colour, share);
            }
        });
    }

    /// PNG with a palette.
    pub fn into_png(self) -> Vec<u8> {
        let mut rows = Vec::with_capacity((self.width + 1) * self.height);
        for row in self.pixels.chunks(self.width) {
            // No filter: neighbours in a palette have nothing in common.
            rows.push(0);
            rows.extend_from_slice(row);
        }
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        // Writing to memory can't fail.
        let data = encoder.write_all(&rows).and_then(|()| encoder.finish()).unwrap_or_default();
        let mut header = Vec::with_capacity(13);
        header.extend((self.width as u32).to_be_bytes());
        header.extend((self.height as u32).to_be_bytes());
        // Eight bits for each index of a palette; the only compression, filters and no interlacing.
        header.extend([8, 3, 0, 0, 0]);
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        write_chunk(&mut png, b"IHDR", &header);
        write_chunk(&mut png, b"PLTE", &self.palette.concat());
        write_chunk(&mut png, b"IDAT", &data);
        write_chunk(&mut png, b"IEND", &[]);
        png
    }
}

fn write_chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(kind);
    checksum.update(data);
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(kind);
    png.extend(data);
    png.extend(checksum.finalize().to_be_bytes());
}

/// A polygon with rounded corners.
fn add_polygon(rasterizer: &mut Rasterizer, corners: &[Point], radius: f32) {
    let towards = |from: Point, to: Point| {
        let length = (to.x - from.x).hypot(to.y - from.y).max(f32::EPSILON);
        let share = (radius / length).min(0.5);
        point(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share)
    };
    let count = corners.len();
    let rounded: Vec<(Point, Point, Point)> = (0..count)
        .map(|at| {
            let (before, corner, after) = (corners[(at + count - 1) % count], corners[at], corners[(at + 1) % count]);
            (towards(corner, before), corner, towards(corner, after))
        })
        .collect();
    for (at, (start, corner, end)) in rounded.iter().enumerate() {
        rasterizer.draw_quad(*start, *corner, *end);
        rasterizer.draw_line(*end, rounded[(at + 1) % count].0);
    }
}

fn add_circle(rasterizer: &mut Rasterizer, centre: Point, radius: f32) {
    let at = |x: f32, y: f32| point(centre.x + x * radius, centre.y + y * radius);
    let quarters =
        [((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (-1.0, 0.0)), ((-1.0, 0.0), (0.0, -1.0)), ((0.0, -1.0), (1.0, 0.0))];
    for ((ax, ay), (bx, by)) in quarters {
        let (first, second) = (at(ax + bx * CIRCLE, ay + by * CIRCLE), at(bx + ax * CIRCLE, by + ay * CIRCLE));
        rasterizer.draw_cubic(at(ax, ay), first, second, at(bx, by));
    }
}

/// A line with round ends.
fn add_line(rasterizer: &mut Rasterizer, from: Point, to: Point, width: f32) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy).max(f32::EPSILON);
    // Along and across the line, as long as half its width.
    let (ax, ay) = (dx / length * width / 2.0, dy / length * width / 2.0);
    let (nx, ny) = (-ay, ax);
    let cap = |rasterizer: &mut Rasterizer, end: Point, (ax, ay): (f32, f32), (nx, ny): (f32, f32)| {
        let tip = point(end.x + ax, end.y + ay);
        let (start, stop) = (point(end.x + nx, end.y + ny), point(end.x - nx, end.y - ny));
        let near = |from: Point, (x, y): (f32, f32)| point(from.x + x * CIRCLE, from.y + y * CIRCLE);
        rasterizer.draw_cubic(start, near(start, (ax, ay)), near(tip, (nx, ny)), tip);
        rasterizer.draw_cubic(tip, near(tip, (-nx, -ny)), near(stop, (ax, ay)), stop);
    };
    cap(rasterizer, to, (ax, ay), (nx, ny));
    rasterizer.draw_line(point(to.x - nx, to.y - ny), point(from.x - nx, from.y - ny));
    cap(rasterizer, from, (-ax, -ay), (-nx, -ny));
    rasterizer.draw_line(point(from.x + nx, from.y + ny), point(to.x + nx, to.y + ny));
}
